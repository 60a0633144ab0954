#!/usr/bin/env node
import './young-generation.js';
import { program } from './cli/program.js';

await program.parseAsync();
