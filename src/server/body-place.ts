import { LockstepError } from '../errors.ts'
import { toCell } from '../schema/index.ts'
import type { Keys } from '../serving/index.ts'
import type { VectorsRequest } from './routes/vectors.ts'
import type { ServedView } from './served-views.ts'

/** An error of a read with the field of the body that it is about, `body.rows[3].item_id`; any other error as it is. */
export function placedInBody(error: unknown, body: VectorsRequest, served: ServedView): unknown {
  if (!(error instanceof LockstepError) || error.where.startsWith('body')) return error
  const where = placeOf(error, body, served)
  if (where === null) return error
  const remedy = error.code === 'READ_BEFORE_STATE' ? 'Ask for a later moment, or from history with `"as_known": true`.' : error.remedy
  return new LockstepError(error.code, error.bareMessage, { where, remedy, cause: error })
}

/** A part of the body that holds values by name, and where it is. */
type Part = readonly [place: string, values: Keys]

function placeOf({ code, where }: LockstepError, body: VectorsRequest, served: ServedView): string | null {
  const { view, plan } = served
  const keys = partsOf('keys', body.keys, 'rows', body.rows).map(([place, row]): Part => [place, served.keys(row)])
  const requests = partsOf('request', body.request, 'requests', body.requests)
  switch (code) {
    case 'MISSING_KEY': {
      const [, row = '0'] = /^row (\d+)/.exec(where) ?? []
      return body.rows ? `body.rows[${row}]` : 'body.keys'
    }
    case 'INVALID_VALUE': {
      const [, kind, name = ''] = /(key|request value) (\w+)$/.exec(where) ?? []
      if (kind === undefined) return null
      const isKey = kind === 'key'
      const type = (isKey ? view.keys : view.request)[name]
      const [place] = (isKey ? keys : requests.map(([at, values]): Part => [at, served.request(values)])).find(
        ([, values]) => type && (!isKey || Object.hasOwn(values, name)) && !fits(() => toCell(type, values[name])),
      ) ?? [isKey ? 'body.keys' : 'body.request']
      return `${place}.${name}`
    }
    case 'UNKNOWN_NAME': {
      const known = new Set(plan.output.map(({ name }) => name))
      if (body.features?.some((name) => !known.has(name))) return 'body.features'
      return unknownIn(keys, view.keys) ?? unknownIn(requests, view.request)
    }
    case 'DUPLICATE_NAME':
      return 'body.features'
    case 'READ_BEFORE_STATE':
      return 'body.as_of'
    case 'INVALID_ARGUMENT':
      return where === 'requests' ? 'body.requests' : null
    default:
      return null
  }
}

const partsOf = (one: string, values: Keys | undefined, several: string, rows: readonly Keys[] = []): Part[] => [
  ...(values ? [[`body.${one}`, values] as const] : []),
  ...rows.map((row, index) => [`body.${several}[${index}]`, row] as const),
]

function unknownIn(parts: readonly Part[], known: Readonly<Record<string, unknown>>): string | null {
  for (const [place, values] of parts) for (const name in values) if (!Object.hasOwn(known, name)) return `${place}.${name}`
  return null
}

function fits(convert: () => unknown): boolean {
  try {
    convert()
    return true
  } catch {
    return false
  }
}
