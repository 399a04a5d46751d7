import type { TestApp } from './test-app.js';
import { as } from './tokens.js';

/** The application as one owner sees it: what is sent carries the owner's token. */
export function asOwner(api: TestApp, owner: string): TestApp {
  // The application starts later: what is not overridden is looked up then.
  const ownersApi = Object.create(api) as TestApp;
  ownersApi.send = async (method, path, body, headers) =>
    api.send(method, path, body, { ...(await as(owner)), ...headers });
  return ownersApi;
}
