import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at its initial size, 1 MB and its copy. By default it grows to 16 MB and its
 * copy, three times as much as a server needs for all its data, and 10,000 connections would not fit into 150
 * MB (bench/RESULTS.md). Must be imported first. Not --max-semi-space-size, which does nothing once V8 runs;
 * V8 reads the growth factor each time (NewSpace::Grow). If node was given a flag of that kind, this does
 * nothing.
 */
if (!process.execArgv.some((flag) => /^--(max|min)[-_]semi[-_]space[-_]size/.test(flag))) {
  setFlagsFromString('--semi-space-growth-factor=1');
}
