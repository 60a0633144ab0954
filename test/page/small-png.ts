import { deflateSync, inflateSync } from 'node:zlib';

/*
 * Screenshots with at most 256 colours: a third of the size, and the eye sees no difference, since a page has few
 * colours and their blends at the edges of letters. (PNG, third edition, W3C 2025.)
 */

/** Colours of a palette. */
const MOST = 256;

/** How many of them go to the most frequent ones, the shades of a gradient among them. */
const FREQUENT = 176;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB, row by row. */
  readonly colours: Uint32Array;
}

/** The same picture in fewer bytes. Takes what Chromium makes: 8 bits, RGB or RGBA, not interlaced. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, colours } = decode(png);
  const palette = paletteOf(colours);
  const nearest = new Map(palette.map((colour, i) => [colour, i]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0, at = 0; y < height; y++) {
    rows[at++] = 0;
    for (let x = 0; x < width; x++) {
      const colour = colours[y * width + x] ?? 0;
      let index = nearest.get(colour);
      if (index === undefined) nearest.set(colour, (index = nearestTo(colour, palette)));
      rows[at++] = index;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const entries = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', head),
    chunk('PLTE', entries),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function decode(png: Buffer): Pixels {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const size = png[25] === 6 ? 4 : 3;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * size;
  const colours = new Uint32Array(width * height);
  let above = Buffer.alloc(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const line = Buffer.from(raw.subarray(start + 1, start + 1 + stride));
    unfilter(line, above, raw[start] ?? 0, size);
    for (let x = 0; x < width; x++) colours[y * width + x] = line.readUIntBE(x * size, 3);
    above = line;
  }
  return { width, height, colours };
}

/** Undoes a row's filter in place (§9.2). */
function unfilter(line: Buffer, above: Buffer, filter: number, size: number): void {
  for (let i = 0; i < line.length; i++) {
    const left = i < size ? 0 : (line[i - size] ?? 0);
    const up = above[i] ?? 0;
    const corner = i < size ? 0 : (above[i - size] ?? 0);
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
    line[i] = ((line[i] ?? 0) + guess) & 255;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** The most frequent ones, and of the others those that look most different: a small thing keeps its colour. */
function paletteOf(colours: Uint32Array): number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byCount = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
  for (let alike = 1; ; alike *= 1.4) {
    const palette = byCount.slice(0, FREQUENT);
    for (const colour of byCount.slice(FREQUENT)) {
      if (palette.every((other) => distance(colour, other) >= alike)) palette.push(colour);
      if (palette.length > MOST) break;
    }
    if (palette.length <= MOST) return palette;
  }
}

function nearestTo(colour: number, palette: readonly number[]): number {
  const distances = palette.map((other) => distance(colour, other));
  return distances.indexOf(Math.min(...distances));
}

/** Squared, between red, green and blue. */
function distance(a: number, b: number): number {
  const red = (a >> 16) - (b >> 16);
  const green = ((a >> 8) & 255) - ((b >> 8) & 255);
  const blue = (a & 255) - (b & 255);
  return red * red + green * green + blue * blue;
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc(named));
  return Buffer.concat([length, named, check]);
}

/** Of Annex D; zlib's own crc32 came with node 20.15. */
function crc(data: Buffer): number {
  let value = 0xffffffff;
  for (const byte of data) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}
