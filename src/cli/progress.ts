import type { Progress } from '../pointintime/index.ts'
import { countOf, formatCount, formatSeconds } from './format.ts'

/** `writing user_orders  1,200,000 of 4,000,000 rows  30 %  412,000 rows/s  6.80 s left` */
export function progressText({ stage, rows, total, seconds }: Progress): string {
  const rate = seconds > 0 ? rows / seconds : 0
  const done = total === null ? countOf(rows, 'row') : `${formatCount(rows)} of ${countOf(total, 'row')}`
  const share = total === null || total === 0 ? [] : [`${Math.floor(Math.min(1, rows / total) * 100)} %`]
  const left = total === null || rows < total / 100 || rows >= total ? [] : [`${formatSeconds((total - rows) / rate)} left`]
  if (rows === 0) return [stage, ...(total === null ? [] : [countOf(total, 'row')])].join('  ')
  return [stage, done, ...share, `${formatCount(Math.round(rate))} rows/s`, ...left].join('  ')
}

/** One line on a terminal, written over and over; elsewhere a line for each stage, and one a second while it lasts. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  #stage = ''
  #written = 0

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
  }

  show(progress: Progress): void {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[2K${progressText(progress).slice(0, this.#stream.columns - 1)}`)
      return
    }
    const now = performance.now()
    if (progress.stage === this.#stage && now - this.#written < 1000) return
    this.#stage = progress.stage
    this.#written = now
    this.#stream.write(`${progressText(progress)}\n`)
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K')
  }
}
