import type { LandedFile } from './landed-history.ts'

/** As many files of like size make one: so each row is written again once for each eightfold growth. */
const fan = 8
/** Larger files are left as they are. */
const large = 4_000_000

/**
 * The files to be made one, day by day: of a day that goes on, eight of like size; of earlier days all small ones, once there are
 * eight of them.
 */
export function mergesOf(files: readonly LandedFile[]): (readonly [LandedFile, ...LandedFile[]])[] {
  const newest = files
    .map(({ date }) => date)
    .sort()
    .at(-1)
  const small = files.filter(({ rows }) => rows < large)
  const likeEachOther = Map.groupBy(small, ({ date, rows }) => (date === newest ? `${date} ${sizeOf(rows)}` : date))
  return [...likeEachOther.values()].flatMap(([first, ...others]) =>
    first && others.length + 1 >= fan ? [[first, ...others] as const] : [],
  )
}

const sizeOf = (rows: number): number => Math.floor(Math.log(rows) / Math.log(fan))
