// Starts one of our binaries on HTTP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';

/** Where servers are started: not in the checkout, whose .env file must not take part. */
export const cwd = tmpdir();

/** Gives the address (URL) of a fresh server process, what it writes to stderr, and a way to end it. */
export function overHttp(command, args, env = {}, port = '0') {
  return startServer(command, [...args, '--http', '--port', port], env, /^Listening on (\S+)$/);
}

/** The same for any command that says on stderr, in the words of `says`, where it listens. */
export async function startServer(command, args, env, says) {
  const server = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'exit');
  const said = [];
  const address = await new Promise((found, failed) => {
    createInterface(server.stderr)
      .on('line', (line) => {
        said.push(line);
        const listening = says.exec(line);
        if (listening) found(new URL(listening[1]));
      })
      .on('close', () => failed(new Error(`the server does not listen:\n${said.join('\n')}`)));
  });
  const end = async () => {
    server.kill();
    await ended;
  };
  return { address, stderr: () => said.join('\n'), end };
}
