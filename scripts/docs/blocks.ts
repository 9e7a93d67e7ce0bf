import type { Fence, Page } from './markdown.ts'
import type { Problem } from './problem.ts'

/** One fence of a module, with the line of the module on which it begins. */
export interface Part {
  readonly fence: Fence
  readonly start: number
  expected?: string
}

/** A module made of one `ts` fence and those that continue it. */
export interface Module {
  readonly block: 'module'
  readonly file: string
  readonly run: boolean
  readonly parts: Part[]
  text: string
}

/** An `sh run` fence. `inRepository`: in a copy of the repository, else in the folder of its page. */
export interface Command {
  readonly block: 'command'
  readonly fence: Fence
  readonly inRepository: boolean
  expected?: string
}

/** A fence of any language that is only to be written: `csv file=orders.csv`. */
export interface DataFile {
  readonly block: 'file'
  readonly file: string
  readonly text: string
}

export type Block = Module | Command | DataFile

/** Printed before a continued part of a module, so that the output of each part can be told apart. */
const markOf = (part: Part) => `‡part at ${part.fence.line}‡`
const marks = /‡part at \d+‡/g

/** Other names of `ts` and `sh`: refused, so that no example escapes the check by its spelling. */
const otherNames: Readonly<Record<string, string>> = {
  typescript: 'ts',
  tsx: 'ts',
  js: 'ts',
  javascript: 'ts',
  mjs: 'ts',
  mts: 'ts',
  bash: 'sh',
  shell: 'sh',
  console: 'sh',
  zsh: 'sh',
}

/** What a block of expected output would speak of. */
type Answerable = Part | Command | undefined

/** What is to be written, checked and run on a page, in order, and which fences cannot be understood. */
export function blocksOf(path: string, page: Page): { blocks: Block[]; problems: Problem[] } {
  const blocks: Block[] = []
  const problems: Problem[] = []
  let latest: Answerable
  for (const fence of page.fences) {
    try {
      latest = readFence(fence, blocks, latest)
    } catch (error) {
      if (!(error instanceof Misunderstood)) throw error
      problems.push({ page: path, line: fence.line - 1, message: error.message })
      latest = undefined
    }
  }
  return { blocks, problems }
}

class Misunderstood extends Error {}

function readFence(fence: Fence, blocks: Block[], latest: Answerable): Answerable {
  const { language } = fence
  const instructions = readInstructions(fence.instructions)
  const name = otherNames[language]
  if (name !== undefined) throw new Misunderstood(`Write \`${name}\` for \`${language}\``)
  if (instructions.output) return readOutput(fence, latest)
  if (language === 'ts') return instructions.continued ? readContinued(fence, blocks) : readModule(fence, instructions, blocks)
  if (instructions.file !== undefined) blocks.push({ block: 'file', file: instructions.file, text: `${fence.text}\n` })
  else if (language === 'sh') return readCommand(fence, blocks)
  return undefined
}

function readOutput(fence: Fence, latest: Answerable): undefined {
  if (latest === undefined) throw new Misunderstood('This output follows no block that is run')
  latest.expected = fence.text
}

function readContinued(fence: Fence, blocks: Block[]): Answerable {
  const previous = blocks.at(-1)
  if (previous?.block !== 'module') throw new Misunderstood('There is no block just before that this one could continue')
  if (fence.instructions !== 'continued')
    throw new Misunderstood('A continued block takes no other instruction: it is run as what it continues')
  return append(previous, fence)
}

function readModule(fence: Fence, { rest, noRun, file }: Instructions, blocks: Block[]): Answerable {
  if (rest !== '') throw new Misunderstood(`\`${rest}\` means nothing; known are continued, file=NAME, and no-run REASON`)
  if (noRun === '') throw new Misunderstood('Say after no-run why the block is not run')
  const module: Module = { block: 'module', file: file ?? `block-${fence.line}.ts`, run: noRun === undefined, parts: [], text: '' }
  blocks.push(module)
  return append(module, fence)
}

function readCommand(fence: Fence, blocks: Block[]): Answerable {
  if (fence.instructions === '') return undefined
  if (!/^run( repository)?$/.test(fence.instructions)) {
    throw new Misunderstood(`\`${fence.instructions}\` means nothing; known are run, and run repository`)
  }
  const command: Command = { block: 'command', fence, inRepository: fence.instructions !== 'run' }
  blocks.push(command)
  return command
}

interface Instructions {
  continued: boolean
  output: boolean
  file?: string
  /** The reason; empty where none is given. */
  noRun?: string
  /** What was not understood. */
  rest: string
}

function readInstructions(text: string): Instructions {
  const [known = '', reason] = text.split(/\bno-run\b/)
  const found: Instructions = { continued: false, output: false, rest: '' }
  if (reason !== undefined) found.noRun = reason.trim()
  const rest: string[] = []
  for (const word of known.split(/\s+/)) {
    if (word === 'continued') found.continued = true
    else if (word === 'output') found.output = true
    else if (/^file=[\w./-]+$/.test(word) && !word.includes('..')) found.file = word.slice('file='.length)
    else rest.push(word)
  }
  found.rest = rest.join(' ').trim()
  return found
}

/** Adds a fence to a module; nothing can be said of its output where it is not run. */
function append(module: Module, fence: Fence): Part | undefined {
  const part: Part = { fence, start: module.text.split('\n').length + (module.parts.length > 0 ? 1 : 0) }
  if (module.parts.length > 0) module.text += `process.stdout.write(${JSON.stringify(markOf(part))})\n`
  module.text += `${fence.text}\n`
  module.parts.push(part)
  return module.run ? part : undefined
}

/** What each part of a module printed, up to the last one that began. */
export function printedByPart(module: Module, stdout: string): string[] {
  const printed: string[] = []
  let rest = stdout
  for (const part of module.parts.slice(1)) {
    const at = rest.indexOf(markOf(part))
    if (at < 0) break
    printed.push(rest.slice(0, at))
    rest = rest.slice(at)
  }
  return [...printed, rest].map(withoutMarks)
}

export const withoutMarks = (text: string) => text.replace(marks, '')

/** The line of the page from which a line of a module comes. */
export function pageLine(module: Module, line: number): number {
  const part = module.parts.findLast(({ start }) => start <= line) ?? module.parts[0]
  return part === undefined ? 1 : part.fence.line + Math.max(0, line - part.start)
}
