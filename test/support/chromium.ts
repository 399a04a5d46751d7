import { which } from './which.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of a Chromium: CHROMIUM, or else one on the PATH, or null. */
export function findChromium(): string | null {
  return process.env.CHROMIUM || which(NAMES);
}
