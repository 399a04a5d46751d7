import { connect } from 'node:net';

/** An answer as it came over the wire; the head without the status line, in lower case. */
interface RawAnswer {
  status: string;
  head: string;
  body: unknown;
}

/** Sends bytes to the server's port, and resolves to its answer once the server has closed. */
export function exchange(url: URL, request: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(request);
    });
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.on('error', reject).on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [status = '', ...headers] = head.split('\r\n');
      resolve({
        status,
        head: headers.join('\n').toLowerCase(),
        body: JSON.parse(body),
      });
    });
  });
}
