import { defineConfig } from '@hey-api/openapi-ts';

/** Writes the types of src/client from openapi.json; `npm run openapi` runs it. */
export default defineConfig({
  input: 'openapi.json',
  output: { path: 'src/client/openapi', entryFile: false },
  plugins: ['@hey-api/typescript'],
  logs: { file: false },
});
