import { createServer } from 'node:http';
import { expectedList } from './members.js';

/** A process of its own: `node:http` that answers every request with the same list. */

const list = Buffer.from(expectedList(0));
const headers = { 'Content-Type': 'text/plain;charset=UTF-8', 'Content-Length': list.length };

createServer({ keepAliveTimeout: 75_000 }, (_request, response) => {
  response.writeHead(200, headers);
  response.end(list);
}).listen(Number(process.argv[2]), '127.0.0.1');
