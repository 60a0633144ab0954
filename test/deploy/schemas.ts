import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT, type Manifest } from './render.js';

/*
 * kubernetes-models is made from the OpenAPI document that Kubernetes publishes: its validators know types, required
 * fields and enumerations, and let fields pass that are unknown; its types know which there are. So each manifest is
 * asked both ways.
 */

interface Model {
  validate(): void;
}

/** Fails with the first thing that the schema does not allow. */
export async function assertValid(manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const module = (await import(`kubernetes-models/${apiVersion}/${kind}`)) as Record<
    string,
    new (data: Manifest) => Model
  >;
  const Kind = module[kind];
  assert.ok(Kind, `there is no ${apiVersion} ${kind}`);
  try {
    new Kind(unfolded(manifest)).validate();
  } catch (error) {
    throw new Error(`${kind} ${metadata.name}: ${(error as Error).message}`, { cause: error });
  }
}

/** kustomize folds long Base64, which Kubernetes takes and the schemas' format does not. */
function unfolded(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret' || manifest.data === undefined) return manifest;
  const entries = Object.entries(manifest.data).map(([key, text]) => [key, text.replaceAll('\n', '')]);
  return { ...manifest, data: Object.fromEntries(entries) as Record<string, string> };
}

/** What the types do not allow, unknown fields first of all; keyed by what the manifests are called in the answer. */
export function unknownFields(named: ReadonlyMap<string, readonly Manifest[]>): string[] {
  // Below the repository, or its node_modules would not be found.
  const folder = join(ROOT, 'dist', `manifests-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const files = [...named].map(([name, manifests]) => {
      const file = join(folder, `${name}.ts`);
      const lines = manifests.map(
        ({ apiVersion, kind, ...rest }, i) =>
          `import type { I${kind} as M${i} } from 'kubernetes-models/${apiVersion}/${kind}';\n` +
          `export const m${i}: M${i} = ${JSON.stringify({ apiVersion, kind, ...rest }, undefined, 1)};\n`,
      );
      writeFileSync(file, lines.join(''));
      return file;
    });
    const program = ts.createProgram(files, {
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      types: [],
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      if (file === undefined || start === undefined) return text;
      const line = file.text.slice(start).split('\n', 1)[0]!;
      return `${file.fileName.slice(folder.length + 1)}: ${line}: ${text}`;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
