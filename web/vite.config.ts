import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const OUT = '../remote_assist/static';
const DOCS_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE'];

/** The API's documentation page is served by us, so its viewer is copied beside the pages. */
function swaggerUi(): Plugin {
  return {
    name: 'swagger-ui',
    apply: 'build',
    closeBundle() {
      const from = dirname(
        createRequire(import.meta.url).resolve('swagger-ui-dist/swagger-ui-bundle.js'),
      );
      const to = join(import.meta.dirname, OUT, 'docs');
      mkdirSync(to, { recursive: true });
      for (const name of DOCS_FILES) cpSync(join(from, name), join(to, name));
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [svelte(), swaggerUi()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: 'index.html', call: 'j.html', test: 'test-call.html' } },
  },
  // Svelte's server build would be picked otherwise, which cannot mount.
  ...(process.env['VITEST'] ? { resolve: { conditions: ['browser'] } } : {}),
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
});
