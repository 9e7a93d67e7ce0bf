import { createInterface } from 'node:readline/promises'
import { LockstepError } from '../errors.ts'

/** Where somebody may be asked. */
interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

const own: Terminal = { input: process.stdin, output: process.stderr }

/** Whether somebody at the terminal says yes. */
export async function confirmed(question: string, { input, output }: Terminal = own): Promise<boolean> {
  const prompt = createInterface({ input, output })
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim())
  } finally {
    prompt.close()
  }
}

/**
 * Asks on a terminal before something is done that is hard to undo; where nobody is there to be asked, it goes on. Throws `INTERRUPTED` for
 * another answer than yes.
 */
export async function confirmOnTerminal(question: string, { yes }: { readonly yes: boolean }, terminal: Terminal = own): Promise<void> {
  if (yes || !terminal.input.isTTY || !terminal.output.isTTY || (await confirmed(question, terminal))) return
  throw new LockstepError('INTERRUPTED', 'It was not confirmed', { remedy: 'Nothing was changed. Pass --yes to be asked nothing.' })
}
