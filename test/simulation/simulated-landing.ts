import type { LandedFile } from '../../src/offline/index.ts'
import type { Landing, StreamEvent } from '../../src/stream/index.ts'
import type { Process } from './world.ts'

/** Files of landed events that all processes share. A crash can leave some that no index names. */
export class SimulatedFiles {
  readonly #files = new Map<string, readonly StreamEvent[]>()
  #count = 0

  events(files: readonly LandedFile[]): StreamEvent[] {
    return files.flatMap(({ path }) => {
      const events = this.#files.get(path)
      if (!events) throw new Error(`the landed file ${path} is gone`)
      return events
    })
  }

  connect(process: Process): Landing {
    return {
      batch: () => {
        const events: StreamEvent[] = []
        return {
          get rows() {
            return events.length
          },
          add: (event) => events.push(event),
          // One file a day; a crash may come after any of them.
          write: async (partition, first, next) => {
            const files: LandedFile[] = []
            for (const [date, own] of Map.groupBy(events, ({ time }) => new Date(time / 1000).toISOString().slice(0, 10))) {
              await process.call('land', () => {
                const path = `${partition}/${this.#count++}`
                this.#files.set(path, own)
                files.push({ path, date, rows: own.length, first, next })
              })
            }
            return files
          },
        }
      },
      // Nobody knows for how long others read what does not count any more. What counts must be there.
      clean: (_source, _partition, files) => process.call('clean', () => void this.events(files)),
      compact: (_source, partition, files) =>
        process.call('compact', () => {
          const first = files[0]
          if (first === undefined || files.length < 4) return files
          const path = `${partition}/${this.#count++}`
          this.#files.set(path, this.events(files))
          const rows = files.reduce((sum, file) => sum + file.rows, 0)
          return [{ path, date: first.date, rows, first: first.first, next: (files.at(-1) as LandedFile).next }]
        }),
    }
  }
}
