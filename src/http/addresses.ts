import { BlockList, isIP } from 'node:net';

export function addressFamily(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}

/** `1.2.3.4:5678`, `[2001:db8::1]:5678` or `[2001:db8::1]`. */
const WITH_PORT = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([^\]]*)\])(?::\d+)?$/;

/**
 * The address of an entry of X-Forwarded-For: some proxies add a port, brackets
 * or a zone. Undefined if the entry holds none, such as `unknown`.
 */
export function forwardedAddress(entry: string): string | undefined {
  const [, ipv4, ipv6] = WITH_PORT.exec(entry) ?? [];
  const [address = ''] = (ipv4 ?? ipv6 ?? entry).split('%');
  return addressFamily(address) && address;
}

/**
 * Parses addresses and CIDR blocks, separated by commas.
 * @throws TypeError if one is malformed
 */
export function parseAddresses(list: string): BlockList {
  const addresses = new BlockList();
  for (const entry of splitList(list)) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const family = addressFamily(address);
    const bits = family === 'ipv4' ? 32 : 128;
    const isPrefix = prefix === undefined || /^\d+$/.test(prefix);
    if (!family || !isPrefix || rest.length > 0) {
      throw new TypeError('Not an address or a CIDR block');
    }
    addresses.addSubnet(address, Number(prefix ?? bits), family);
  }
  return addresses;
}

/** Whether an entry of X-Forwarded-For, or the address of a socket, is one of these. */
export function includesAddress(addresses: BlockList, entry = ''): boolean {
  const address = forwardedAddress(entry);
  return !!address && addresses.check(address, addressFamily(address));
}

/** Splits at commas. Leaves out white space around entries, and empty entries. */
export function splitList(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
