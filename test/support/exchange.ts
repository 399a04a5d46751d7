import { connect } from 'node:net';

const RESPONSE_LIMIT_MS = 60_000;

interface RawResponse {
  /** The status line. */
  status: string;
  /** The headers, in lower case. */
  head: string;
  body: unknown;
}

/** Sends bytes to the server's port. Resolves to the response when the server has closed the connection. */
export function exchange(url: URL, request: string): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let response = '';
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(request);
    });
    socket.setEncoding('utf8').on('data', (text) => (response += text));
    socket.setTimeout(RESPONSE_LIMIT_MS, () => {
      socket.destroy(new Error(`No response to ${request.slice(0, 200)}`));
    });
    socket.on('error', reject).on('close', () => {
      const [head = '', body = ''] = response.split('\r\n\r\n');
      const [status = '', ...headers] = head.split('\r\n');
      resolve({
        status,
        head: headers.join('\n').toLowerCase(),
        body: JSON.parse(body),
      });
    });
  });
}
