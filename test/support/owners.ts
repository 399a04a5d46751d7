import type { TestApp } from './test-app.js';
import { as } from './tokens.js';

/** The same application, whose `send` adds the token of an owner. */
export function asOwner(api: TestApp, owner: string): TestApp {
  // A prototype and no copy: the application starts later.
  const ownersApi = Object.create(api) as TestApp;
  ownersApi.send = async (method, path, body, headers) =>
    api.send(method, path, body, { ...(await as(owner)), ...headers });
  return ownersApi;
}
