import { setFlagsFromString } from 'node:v8';

/*
 * Keeps V8's young generation as small as it begins, 1 MB and its copy: by default it grows to 16 MB and its copy, three times
 * as much as a server needs for all that it keeps, and 10,000 connections would not fit into 150 MB (bench/RESULTS.md). Imported
 * before all else. Not --max-semi-space-size, which does nothing once V8 runs; the growth is looked up each time
 * (V8's NewSpace::Grow). Whoever gives node that flag is obeyed.
 */
if (!process.execArgv.some((flag) => /^--(max|min)[-_]semi[-_]space[-_]size/.test(flag))) {
  setFlagsFromString('--semi-space-growth-factor=1');
}
