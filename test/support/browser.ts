import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { findChromium } from './chromium.js';

/** Twice the default, for a busy machine. */
const LIMIT_MS = 60_000;

/** Opens a page in a browser that ends with the test. */
export async function openPage(): Promise<Page> {
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage({
    viewport: { width: 1280, height: 1000 },
  });
  page.setDefaultTimeout(LIMIT_MS);
  return page;
}

/** Launches a browser that can reach only this machine, and looks for no updates. */
function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium()!,
    timeout: LIMIT_MS,
    args: [
      // Containers run as root, who has no sandbox.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}
