/** Builds the dashboard's page into dist/dashboard/client. Nothing is inlined, since the server's CSP allows no inline code. */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('./client/', import.meta.url)),
  publicDir: 'public',
  logLevel: 'warn',
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: fileURLToPath(new URL('../dist/dashboard/client/', import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The layout engine is one file of 1.6 MB, read by a worker and only from this machine.
    chunkSizeWarningLimit: 2000,
    target: 'es2022',
  },
});
