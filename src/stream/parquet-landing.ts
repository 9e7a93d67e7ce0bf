import { LandedHistory } from '../offline/index.ts'
import type { Landing } from './history-unit.ts'

/** Lands events as Parquet files below a folder. */
export function parquetLanding(folder: string): Landing & { close(): Promise<void> } {
  const history = new LandedHistory(folder)
  return {
    write: (source, partition, first, next, events) =>
      history.write(
        source,
        partition,
        { first, next },
        events.map(({ cells, time, offset, origin: { taken } }) => ({ cells, time, offset, taken })),
      ),
    clean: (source, partition, files) => history.clean(source, partition, files),
    compact: (source, partition, files) => history.compact(source, partition, files),
    close: () => history.close(),
  }
}
