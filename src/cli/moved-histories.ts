import { type FileHistory, fileHistory, type History, type SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'

/** Other places of sources by their names: a path, whose ending says the format, or a history. */
export type Places = Readonly<Record<string, string | History>>

/** The histories that are read instead of those that sources declare. Throws `UNKNOWN_NAME` where there is no such source. */
export function movedHistories(sources: readonly SourceData[], places: Places): Readonly<Record<string, History>> {
  const names = sources.map(({ name }) => name)
  return Object.fromEntries(
    Object.entries(places).map(([name, place]) => {
      const source = sources[names.indexOf(name)]
      if (!source) throw new LockstepError('UNKNOWN_NAME', `There is no source ${name}${suggestion(name, names)}`, { where: 'history' })
      return [name, typeof place === 'string' ? movedTo(source, fileHistory(place)) : place]
    }),
  )
}

/** Of files of the kind that is declared all holds that was said of those, of others at least the names of the columns. */
function movedTo({ history: declared }: SourceData, place: FileHistory): FileHistory {
  if (declared === null || declared.kind === 'rows') return place
  return declared.kind === place.kind ? { ...declared, path: place.path } : { ...place, columns: declared.columns }
}
