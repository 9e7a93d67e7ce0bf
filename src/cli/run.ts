import { CommanderError } from 'commander'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { endOnSignals } from './interrupt.ts'
import { program } from './program.ts'
import { showError } from './show-error.ts'
import { usageError } from './usage-error.ts'

/** Runs a command line to its end and ends the process. */
export async function run(commandLine: readonly string[]): Promise<never> {
  endQuietlyWithoutReader(process.stdout)
  endQuietlyWithoutReader(process.stderr)
  const json = commandLine.includes('--json')
  endOnSignals({ json })
  let started = false
  const lockstep = program().hook('preAction', () => {
    started = true
  })
  try {
    await lockstep.parseAsync(commandLine, { from: 'user' })
    return await end(Number(process.exitCode ?? exitCodes.ok))
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return await end(exitCodes.ok)
    if (error instanceof CommanderError && error.code === 'commander.help') return await end(exitCodes.usage)
    const shown = error instanceof CommanderError ? usageError(error, lockstep, commandLine) : error
    process.stderr.write(showError(shown, { json }))
    return await end(exitCodeOf(shown, { started }))
  }
}

/** Ends the process once all that was written has been taken. */
async function end(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((taken) => stream.write('', taken))))
  process.exit(code)
}

/** `lockstep list | head` closes the pipe early, which is no error. */
function endQuietlyWithoutReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
}
