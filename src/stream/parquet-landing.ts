import { LandedBatch, type LandedFile, LandedHistory } from '../offline/index.ts'
import type { Landing } from './history-unit.ts'

export interface ParquetLanding extends Landing {
  /** Where a file lies. */
  pathOf(file: LandedFile): string
  close(): Promise<void>
}

/** Lands events as Parquet files below a folder. */
export function parquetLanding(folder: string): ParquetLanding {
  const history = new LandedHistory(folder)
  return {
    batch(source) {
      const batch = new LandedBatch(source)
      return {
        get rows() {
          return batch.rows
        },
        add: ({ cells, time, partition, offset, origin: { taken } }) => batch.add({ cells, time, taken, partition, offset }),
        write: (partition, first, next) => history.write(batch, partition, { first, next }),
      }
    },
    compact: (source, partition, files) => history.compact(source, partition, files),
    clean: (source, partition, files) => history.clean(source, partition, files),
    pathOf: (file) => history.pathOf(file),
    close: () => history.close(),
  }
}
