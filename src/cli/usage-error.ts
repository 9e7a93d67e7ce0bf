import type { Command, CommanderError } from 'commander'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'

/** What commander found wrong with a command line (`error: unknown option '--x'`), in the words of all other errors. */
export function usageError({ code, message }: CommanderError, program: Command, commandLine: readonly string[]): LockstepError {
  const command = program.commands.find((each) => each.name() === commandLine.find((argument) => !argument.startsWith('-')))
  const known = [program, ...(command ? [command] : [])].flatMap(optionsOf)
  // Commander misses a required option before it looks at the one that was meant to be it.
  const mistyped = commandLine
    .map((argument) => argument.replace(/=.*/, ''))
    .find((argument) => /^--./.test(argument) && !known.includes(argument))
  const [text = ''] = message.replace(/^error: /, '').split('\n')
  const sentence =
    mistyped === undefined ? withSuggestion(text, code, program) : `unknown option '${mistyped}'${suggestion(mistyped, known)}`
  return new LockstepError('INVALID_ARGUMENT', sentence.charAt(0).toUpperCase() + sentence.slice(1), {
    remedy: `See lockstep ${command ? `${command.name()} ` : ''}--help.`,
  })
}

function withSuggestion(text: string, code: string, program: Command): string {
  if (code !== 'commander.unknownCommand') return text
  const names = program.commands.map((command) => command.name())
  return `${text}${suggestion(/'(.*)'/.exec(text)?.[1] ?? '', names)}`
}

const optionsOf = (command: Command): string[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .map(({ long }) => long ?? '')
