import { stripVTControlCharacters, styleText } from 'node:util'

const titleWidth = 22
const textWidth = 66
const dim = (text: string) => styleText('dim', text, { stream: process.stdout })
const strong = (text: string) => styleText('bold', text, { stream: process.stdout })
const indent = ' '.repeat(4)

/** What a step tells while it is at work. */
export type Tell = (text: string) => void

/** The numbered steps of the demo: a line for each, with what it did and how long it took. */
export class Steps {
  readonly #started = performance.now()
  #count = 0

  /** Does a step; `did` tells of its result: the first line beside the title, the others below. */
  async run<T>(title: string, work: (tell: Tell) => Promise<T>, did: (result: T) => readonly string[]): Promise<T> {
    const head = `${dim(String(++this.#count).padStart(2))}  ${strong(title.padEnd(titleWidth))}`
    const isTerminal = process.stdout.isTTY === true
    const tell = (text: string) => {
      if (isTerminal) process.stdout.write(`\r\x1b[2K${head}${dim(text.slice(0, (process.stdout.columns ?? 80) - titleWidth - 5))}`)
    }
    tell('...')
    const started = performance.now()
    const result = await work(tell)
    const [first = '', ...more] = did(result)
    const time = `${((performance.now() - started) / 1000).toFixed(1)} s`
    if (isTerminal) process.stdout.write('\r\x1b[2K')
    console.log(`${head}${padded(first, textWidth)} ${dim(time.padStart(7))}`)
    for (const line of more) console.log(`${indent}${' '.repeat(titleWidth)}${line}`)
    return result
  }

  /** Text that belongs to the step before it. */
  show(text: string): void {
    console.log(`\n${text.replace(/^(?=.)/gm, indent)}\n`)
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000
  }
}

const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - stripVTControlCharacters(text).length))

/** `2026-06-01T00:00:00Z` */
export const shownMoment = (moment: Date): string => moment.toISOString().replace('.000Z', 'Z')

export const sumOf = <Name extends string>(rows: readonly Readonly<Record<Name, number>>[], name: Name): number =>
  rows.reduce((sum, row) => sum + row[name], 0)

/** What a read gives, and the microseconds that half of a hundred reads stay below. */
export async function timed<T>(read: () => Promise<T>): Promise<[result: T, micros: number]> {
  const micros: number[] = []
  for (let run = 0; run < 100; run++) {
    const started = performance.now()
    await read()
    micros.push((performance.now() - started) * 1000)
  }
  return [await read(), micros.sort((a, b) => a - b)[50] as number]
}
