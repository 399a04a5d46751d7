import { BlockList, isIP } from 'node:net';

export function addressFamily(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}

/** The addresses of a comma-separated list of CIDR blocks and single addresses; throws where one is malformed. */
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

export function splitList(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
