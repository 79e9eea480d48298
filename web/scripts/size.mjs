// Print what each page loads before anybody joins, compressed, as JSON; fail above the call page's budget.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const STATIC = join(import.meta.dirname, '../../remote_assist/static');
const BUDGET_KB = 100;
const PAGES = { index: 'index.html', call: 'j.html', test: 'test-call.html' };

const manifest = JSON.parse(readFileSync(join(STATIC, 'manifest.json'), 'utf8'));
const gzipped = (name) => gzipSync(readFileSync(join(STATIC, name)), { level: 6 }).length;

/** Everything a page's entry loads at once: its script, what that imports, and their styles. */
function filesOf(entry, seen = new Set()) {
  const chunk = manifest[entry];
  seen.add(chunk.file);
  for (const style of chunk.css ?? []) seen.add(style);
  for (const imported of chunk.imports ?? []) filesOf(imported, seen);
  return seen;
}

const report = {};
for (const [page, html] of Object.entries(PAGES)) {
  const files = Object.fromEntries([...filesOf(html), html].map((name) => [name, gzipped(name)]));
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0);
  report[page] = { gz_kb: Math.round(bytes / 100) / 10, files };
}
console.log(JSON.stringify({ budget_kb: BUDGET_KB, ...report }, null, 2));
if (report.call.gz_kb > BUDGET_KB) {
  console.error(`The call page is larger than ${BUDGET_KB} kB before joining.`);
  process.exit(1);
}
