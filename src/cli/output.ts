import { styleText } from 'node:util'
import { followUp } from './follow-up.ts'
import { toJson } from './format.ts'
import type { ProjectOptions } from './project.ts'
import { type Column, formatTable } from './table.ts'

export interface OutputOptions extends ProjectOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly progress?: boolean
}

/** Where a command shows what it did: its result on stdout, for people or as one JSON document; all else on stderr. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  /** Whether progress is shown: on a terminal, or where asked for; never where quiet. */
  readonly showsProgress: boolean
  readonly #given: ProjectOptions

  constructor(options: OutputOptions) {
    this.#given = options
    this.json = options.json ?? false
    this.quiet = options.quiet ?? false
    this.showsProgress = !this.quiet && (options.progress ?? process.stderr.isTTY === true)
  }

  result(document: unknown, text: () => string): void {
    process.stdout.write(`${this.json ? toJson(document, 2) : text().trimEnd()}\n`)
  }

  /** A command line to go on with, in the project and environment of this one. `begins`: nothing may be in the environment yet. */
  next(command: string, { begins = false } = {}): string {
    const { newEnvironment = false, ...given } = this.#given
    return followUp(command, { ...given, newEnvironment: newEnvironment && begins })
  }

  /** Something to know about the result. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`Note:   ${text}\n`)
  }

  /** Something that may be wrong. */
  warn(text: string): void {
    if (!this.quiet) process.stderr.write(`${styleText(['bold', 'yellow'], 'Warning:', { stream: process.stderr })} ${text}\n`)
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
    return formatTable(rows, columns, strong)
  }
}

/** Bold on a terminal. */
export const strong = (text: string): string => styleText('bold', text, { stream: process.stdout })
