import { spawn } from 'node:child_process'

export interface Finished {
  /** Null where a signal ended the process, the time limit included. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly timeoutSeconds?: number
}

/** Runs a program to its end, without input. The test runner's own variables are not handed on, so that a child may run tests. */
export function run(program: string, programArguments: readonly string[], options: RunOptions): Promise<Finished> {
  const child = spawn(program, programArguments, {
    cwd: options.cwd,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, FORCE_COLOR: undefined, NO_COLOR: '1', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (options.timeoutSeconds ?? 300) * 1000,
    killSignal: 'SIGKILL',
  })
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
