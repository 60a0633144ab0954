import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BLOCKS, withBlocks } from '../../tools/docs/blocks.js';
import { DOCUMENTS } from './documents.js';

describe('what of the documents is made from code is as the code has it (npm run docs)', () => {
  for (const { file, text } of DOCUMENTS) {
    if (!Object.keys(BLOCKS).some((name) => text.includes(`<!-- ${name} -->`))) continue;
    it(file, () => assert.equal(text, withBlocks(file, text)));
  }

  it('a block is written below its comment, and once more where it is not as it was', () => {
    const wanted = '# Exit\n\n<!-- exit statuses -->\n\nThe end.\n';
    const made = withBlocks('docs/x.md', wanted);
    assert.match(made, /^\| 2 \| `doctor` \| something is wrong, or needs a person \|$/m);
    assert.match(made, /\n<!-- \/exit statuses -->\n\n*The end\.\n$/);
    assert.equal(withBlocks('docs/x.md', made), made);
    const slip = made.replace('| 2 |', '| 3 |');
    assert.notEqual(slip, made);
    assert.equal(withBlocks('docs/x.md', slip), made);
    assert.equal(withBlocks('docs/x.md', '# None\n'), '# None\n');
  });

  it('in Chinese where the document is', () => {
    const made = withBlocks('docs/x.zh-CN.md', '<!-- exit statuses -->\n');
    assert.match(made, /^\| 2 \| `doctor` \| 发现问题，或者有问题须由人处理 \|$/m);
  });
});
