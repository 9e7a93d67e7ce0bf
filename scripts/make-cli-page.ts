/** `npm run docs:cli`: writes the help of every command into docs/reference/cli.md; test/cli-page.test.ts holds both equal. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { program } from '../src/cli/program.ts'
import { root } from './workspace.ts'

export const cliPagePath = join(root, 'docs', 'reference', 'cli.md')

/** The help of the program and of each command, by name. */
export function helpTexts(): ReadonlyMap<string, string> {
  const lockstep = program()
  return new Map([lockstep, ...lockstep.commands].map((command) => [command.name(), helpOf(command)]))
}

/** What `--help` prints where nobody says how wide a terminal is. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    ...command.configureOutput(),
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text
}

/** A page with the help of today in its blocks: those that begin with "```text help=NAME". */
export function withHelp(page: string, texts: ReadonlyMap<string, string>): string {
  return page.replace(/^(```text help=(\S+)\n)[\s\S]*?(?=^```$)/gm, (_block, fence: string, name: string) => {
    const text = texts.get(name)
    if (text === undefined) throw new Error(`docs/reference/cli.md asks for the help of ${name}, which is no command`)
    return fence + text
  })
}

if (import.meta.main) writeFileSync(cliPagePath, withHelp(readFileSync(cliPagePath, 'utf8'), helpTexts()))
