import { LockstepError } from '../errors.ts'
import { dateDays, momentMicros } from '../lib/moment.ts'
import type { TypeData } from '../schema/index.ts'
import { physicalType } from './physical.ts'
import { quoteLiteral } from './sql.ts'

/** A condition that a value that is present must meet, and how its violation is told. */
export interface Check {
  readonly ok: string
  readonly reason: string
  /** A later check is met only where this one is: it tells the reasons apart, and is not needed to find the valid rows. */
  readonly implied?: boolean
  /** Met by all values between two that meet it. */
  readonly convex?: boolean
}

/** How a column of a file becomes a declared one: its value in the physical type, and when a row is valid. */
export interface Conversion {
  /** SQL of the value; null where it cannot be converted. */
  readonly value: string
  readonly checks: readonly Check[]
}

/** What kinds of DuckDB type a file may hold a value in. */
type Family =
  | 'text'
  | 'integer'
  | 'float'
  | 'decimal'
  | 'boolean'
  | 'naive'
  | 'nanoseconds'
  | 'instant'
  | 'date'
  | 'list'
  | 'struct'
  | 'other'

function familyOf(raw: string): Family {
  if (/\[\d*\]$/.test(raw)) return 'list'
  if (/^(VARCHAR|UUID|JSON|ENUM\()/.test(raw)) return 'text'
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(raw)) return 'integer'
  if (/^(FLOAT|DOUBLE)$/.test(raw)) return 'float'
  if (raw.startsWith('DECIMAL')) return 'decimal'
  if (raw === 'BOOLEAN') return 'boolean'
  if (/^TIMESTAMP(_S|_MS)?$/.test(raw)) return 'naive'
  if (raw === 'TIMESTAMP_NS') return 'nanoseconds'
  if (raw === 'TIMESTAMP WITH TIME ZONE') return 'instant'
  if (raw === 'DATE') return 'date'
  if (/^(STRUCT|MAP)\(/.test(raw)) return 'struct'
  return 'other'
}

/** The largest safe integer; also the last microsecond, and less its sign the first, that a moment may be. */
const safe = Number.MAX_SAFE_INTEGER
const safeText = '2^53 - 1'

/**
 * The conversion of SQL `raw`, of DuckDB type `rawType`, to a value type; times without a zone are of `zone`.
 * Null where values of that type are never read as this kind.
 */
export function conversion(type: TypeData, raw: string, rawType: string, zone: string, depth = 0): Conversion | null {
  const plain = plainConversion(type, raw, rawType, zone, depth)
  if (plain === null || (type.minimum === undefined && type.maximum === undefined)) return plain
  const within = [
    ...(type.minimum === undefined ? [] : [`${plain.value} >= ${boundSql(type, type.minimum)}`]),
    ...(type.maximum === undefined ? [] : [`${plain.value} <= ${boundSql(type, type.maximum)}`]),
  ]
  return {
    value: plain.value,
    checks: [
      ...plain.checks,
      { ok: within.join(' AND '), reason: `is outside ${type.minimum ?? ''} to ${type.maximum ?? ''}`, convex: true },
    ],
  }
}

function boundSql(type: TypeData, bound: number | string): string {
  if (type.kind === 'timestamp') return `make_timestamp(${momentMicros(String(bound))})`
  if (type.kind === 'date') return `(DATE '1970-01-01' + ${dateDays(String(bound))})`
  return `CAST(${quoteLiteral(String(bound))} AS ${type.kind === 'decimal' ? `DECIMAL(38, ${type.scale ?? 0})` : physicalType(type)})`
}

function plainConversion(type: TypeData, raw: string, rawType: string, zone: string, depth: number): Conversion | null {
  const family = familyOf(rawType)
  switch (type.kind) {
    case 'string':
      return stringConversion(raw, family, rawType)
    case 'oneOf': {
      const text = stringConversion(raw, family, rawType)
      const values = type.values ?? []
      return (
        text && {
          value: text.value,
          checks: [{ ok: `${text.value} IN (${values.map(quoteLiteral).join(', ')})`, reason: `is none of ${values.join(', ')}` }],
        }
      )
    }
    case 'boolean':
      return booleanConversion(raw, family)
    case 'integer':
      return integerConversion(raw, family, rawType, safeText, `BETWEEN -${safe} AND ${safe}`)
    case 'int64':
      return integerConversion(raw, family, rawType, '63 bits', 'IS NOT NULL')
    case 'float':
      return floatConversion(type, raw, family)
    case 'decimal':
      return decimalConversion(type, raw, family, rawType)
    case 'timestamp':
      return timestampConversion(raw, family, rawType, zone)
    case 'date':
      return dateConversion(raw, family)
    case 'list':
      return listConversion(type, raw, family, rawType, zone, depth)
    case 'vector':
      return vectorConversion(type, raw, family, depth)
    case 'struct':
      return structConversion(raw, family)
  }
}

function stringConversion(raw: string, family: Family, rawType: string): Conversion | null {
  if (family !== 'text' && family !== 'integer') return null
  return { value: rawType === 'VARCHAR' ? raw : `CAST(${raw} AS VARCHAR)`, checks: [] }
}

function booleanConversion(raw: string, family: Family): Conversion | null {
  const reason = 'is not a boolean'
  if (family === 'boolean') return { value: raw, checks: [] }
  if (family === 'integer') return { value: `(${raw} = 1)`, checks: [{ ok: `${raw} IN (0, 1)`, reason }] }
  if (family !== 'text') return null
  const value = `TRY_CAST(trim(${raw}) AS BOOLEAN)`
  return { value, checks: [{ ok: `${value} IS NOT NULL`, reason }] }
}

function integerConversion(raw: string, family: Family, rawType: string, bound: string, range: string): Conversion | null {
  const notWhole = { reason: 'is not a whole number' }
  const value = family === 'text' ? `TRY_CAST(trim(${raw}) AS BIGINT)` : `TRY_CAST(${raw} AS BIGINT)`
  const inRange = { ok: `${value} ${range}`, reason: `is beyond ${bound}`, convex: true }
  if (/^(U?(TINYINT|SMALLINT|INTEGER))$/.test(rawType)) return { value: `CAST(${raw} AS BIGINT)`, checks: [] }
  if (rawType === 'BIGINT') return { value: raw, checks: range === 'IS NOT NULL' ? [] : [{ ...inRange, ok: `${raw} ${range}` }] }
  if (family === 'integer') return { value, checks: [inRange] }
  if (family === 'float' || family === 'decimal') return { value, checks: [{ ok: `${raw} = trunc(${raw})`, ...notWhole }, inRange] }
  if (family === 'text') return { value, checks: [{ ok: `regexp_full_match(trim(${raw}), '[+-]?\\d+(\\.0+)?')`, ...notWhole }, inRange] }
  return null
}

function floatConversion(type: TypeData, raw: string, family: Family): Conversion | null {
  const finite = (value: string): Check[] => (type.allowNaN ? [] : [{ ok: `isfinite(${value})`, reason: 'is not finite' }])
  if (family === 'integer' || family === 'decimal') return { value: `CAST(${raw} AS DOUBLE)`, checks: [] }
  if (family === 'float') return { value: `CAST(${raw} AS DOUBLE)`, checks: finite(raw) }
  if (family !== 'text') return null
  const value = `TRY_CAST(trim(${raw}) AS DOUBLE)`
  return { value, checks: [{ ok: `${value} IS NOT NULL AND NOT contains(${raw}, '_')`, reason: 'is not a number' }, ...finite(value)] }
}

/** A double stands for the decimal nearest to it if it is as near as doubles get after a little arithmetic: eight units in the last place. */
const noise = { FLOAT: 2 ** -20, DOUBLE: 2 ** -49 } as const

function decimalConversion(type: TypeData, raw: string, family: Family, rawType: string): Conversion | null {
  const scale = type.scale ?? 0
  const precision = type.precision ?? 15
  const fits = (value: string): Check => ({ ok: `${value} IS NOT NULL`, reason: `has more than ${precision} digits` })
  const fine = { reason: `has more than ${scale} digits behind the point` }
  const target = physicalType(type)
  const value = `TRY_CAST(${raw} AS ${target})`
  if (family === 'integer') return { value, checks: [fits(value)] }
  if (family === 'decimal') {
    const rawScale = Number(/,\s*(\d+)\)/.exec(rawType)?.[1] ?? 0)
    return { value, checks: [fits(value), ...(rawScale > scale ? [{ ok: `${value} = ${raw}`, ...fine }] : [])] }
  }
  if (family === 'float') {
    // In doubles: casting to decimals and back takes longer than all the rest of a scan.
    const scaled = `(CAST(${raw} AS DOUBLE) * 1e${scale})`
    return {
      value,
      checks: [
        { ok: `isfinite(${raw})`, reason: 'is not finite', implied: true },
        { ...fits(value), ok: `abs(round(${scaled})) < 1e${precision}` },
        { ok: `abs(round(${scaled}) - ${scaled}) <= abs(${scaled}) * ${noise[rawType as keyof typeof noise]}`, ...fine },
      ],
    }
  }
  if (family !== 'text') return null
  const text = `TRY_CAST(trim(${raw}) AS ${target})`
  return {
    value: text,
    checks: [
      { ok: `regexp_full_match(trim(${raw}), '[+-]?\\d+(\\.\\d+)?')`, reason: 'is not a decimal' },
      { ok: `regexp_full_match(trim(${raw}), '[+-]?\\d+(\\.\\d{0,${scale}}0*)?')`, ...fine },
      fits(text),
    ],
  }
}

const firstMoment = `make_timestamp(-${safe})`
const lastMoment = `make_timestamp(${safe})`
const withinYears = (value: string, later = '', earlier = ''): Check => ({
  ok: `${value} BETWEEN ${firstMoment}${later} AND ${lastMoment}${earlier}`,
  reason: 'is outside the years 1684 to 2255',
  convex: true,
})

/** The same texts that `momentMicros` takes: a date, perhaps a time to the microsecond, perhaps a zone. */
const momentText = String.raw`^\s*(\d{4}-\d{2}-\d{2})(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0{0,3})?)?))?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?\s*$`

function timestampConversion(raw: string, family: Family, rawType: string, zone: string): Conversion | null {
  const zoned = (value: string): Conversion => ({ value, checks: [withinYears(value)] })
  // Looking zones up is slow, so the years are checked before it, and a day short of their ends.
  const local = (value: string): Conversion =>
    zone === 'UTC' ? zoned(value) : { value: inZone(value, zone), checks: [withinYears(value, ' + INTERVAL 1 DAY', ' - INTERVAL 1 DAY')] }
  switch (family) {
    case 'naive':
    case 'date':
      return local(rawType === 'TIMESTAMP' ? raw : `TRY_CAST(${raw} AS TIMESTAMP)`)
    case 'nanoseconds':
      return local(`make_timestamp((epoch_ns(${raw}) - (epoch_ns(${raw}) % 1000 + 1000) % 1000) // 1000)`)
    case 'instant':
      return zoned(`timezone('UTC', ${raw})`)
    case 'text':
      return textMoment(raw, zone)
    default:
      return null
  }
}

function textMoment(raw: string, zone: string): Conversion {
  const parts = `regexp_extract(${raw}, ${quoteLiteral(momentText)}, ['day', 'time', 'zone'])`
  const local = `TRY_CAST(${parts}.day || ' ' || (CASE WHEN ${parts}.time = '' THEN '00:00' ELSE ${parts}.time END) AS TIMESTAMP)`
  const offset = `replace(${parts}.zone, ':', '')`
  const number = (digits: string) => `coalesce(TRY_CAST(nullif(${offset}[${digits}], '') AS INTEGER), 0)`
  const ahead = `to_minutes(TRY_CAST(${offset}[1:1] || '1' AS INTEGER) * (${number('2:3')} * 60 + ${number('4:5')}))`
  const value = `(CASE upper(${parts}.zone) WHEN '' THEN ${inZone(local, zone)} WHEN 'Z' THEN ${local} ELSE ${local} - ${ahead} END)`
  return { value, checks: [{ ok: `${value} IS NOT NULL`, reason: 'is not an ISO 8601 date or time', implied: true }, withinYears(value)] }
}

/** A local time as UTC. Where clocks skip, the time before the skip counts on; where they repeat, the second time is meant. */
const inZone = (local: string, zone: string): string =>
  zone === 'UTC' ? local : `timezone('UTC', timezone(${quoteLiteral(zone)}, ${local}))`

function dateConversion(raw: string, family: Family): Conversion | null {
  const within = (value: string): Check => ({
    ok: `${value} BETWEEN CAST(${firstMoment} AS DATE) + 1 AND CAST(${lastMoment} AS DATE)`,
    reason: 'is outside the years 1684 to 2255',
    convex: true,
  })
  if (family === 'date') return { value: raw, checks: [within(raw)] }
  if (family === 'naive')
    return {
      value: `CAST(${raw} AS DATE)`,
      checks: [within(`CAST(${raw} AS DATE)`), { ok: `${raw} = CAST(${raw} AS DATE)`, reason: 'has a time of day' }],
    }
  if (family !== 'text') return null
  const value = `TRY_CAST(trim(${raw}) AS DATE)`
  return {
    value,
    checks: [
      { ok: `${value} IS NOT NULL AND regexp_full_match(trim(${raw}), '\\d{4}-\\d{2}-\\d{2}')`, reason: 'is not a date YYYY-MM-DD' },
      within(value),
    ],
  }
}

function listConversion(type: TypeData, raw: string, family: Family, rawType: string, zone: string, depth: number): Conversion | null {
  if (family !== 'list' && family !== 'text') return null
  const element = type.element as TypeData
  const name = `item${depth}`
  const list = family === 'list' ? raw : jsonAs(raw, 'VARCHAR[]')
  const inner = conversion(element, name, family === 'list' ? rawType.replace(/\[\d*\]$/, '') : 'VARCHAR', zone, depth + 1)
  if (inner === null) return null
  return {
    value: `list_transform(${list}, lambda ${name}: ${inner.value})`,
    checks: [
      ...(family === 'text' ? [{ ok: `${list} IS NOT NULL`, reason: 'is not a JSON array' }] : []),
      {
        ok: `coalesce(list_bool_and(list_transform(${list}, lambda ${name}: coalesce(${validSql(element, name, inner)}, false))), true)`,
        reason: `has an element that is not a valid ${element.kind}`,
      },
    ],
  }
}

function vectorConversion(type: TypeData, raw: string, family: Family, depth: number): Conversion | null {
  if (family !== 'list' && family !== 'text') return null
  const list = family === 'text' ? jsonAs(raw, 'FLOAT[]') : `TRY_CAST(${raw} AS FLOAT[])`
  const name = `item${depth}`
  return {
    value: `TRY_CAST(${list} AS ${physicalType(type)})`,
    checks: [
      { ok: `${list} IS NOT NULL`, reason: 'is not an array of numbers' },
      { ok: `len(${list}) = ${type.length}`, reason: `does not have ${type.length} elements` },
      {
        ok: `list_bool_and(list_transform(${list}, lambda ${name}: coalesce(isfinite(${name}), false)))`,
        reason: 'has an element that is not a finite float32',
      },
    ],
  }
}

function structConversion(raw: string, family: Family): Conversion | null {
  if (family === 'struct') return { value: `to_json(${raw})`, checks: [] }
  if (family !== 'text') return null
  const json = `TRY_CAST(${raw} AS JSON)`
  return { value: json, checks: [{ ok: `json_type(${json}) = 'OBJECT'`, reason: 'is not a JSON object' }] }
}

const jsonAs = (raw: string, type: string): string => `TRY_CAST(TRY_CAST(${raw} AS JSON) AS ${type})`

/** SQL that is true where a row is valid as far as this column goes, and false or null where not. */
export function validSql(type: TypeData, raw: string, { checks }: Conversion, neverNull = false): string {
  const met = checks.flatMap(({ ok, implied }) => (implied ? [] : [`(${ok})`])).join(' AND ')
  if (neverNull) return met === '' ? 'true' : `(${met})`
  if (type.nullable) return met === '' ? 'true' : `(${raw} IS NULL OR (${met}))`
  return met === '' ? `${raw} IS NOT NULL` : `(${raw} IS NOT NULL AND ${met})`
}

/** SQL of the reason why a row is not valid; null where it is. */
export function reasonSql(type: TypeData, raw: string, { checks }: Conversion): string {
  const cases = checks.map(({ ok, reason }) => `WHEN (${ok}) IS NOT TRUE THEN ${quoteLiteral(reason)}`)
  return `CASE WHEN ${raw} IS NULL THEN ${type.nullable ? 'NULL' : quoteLiteral('is missing')} ${cases.join(' ')} END`
}

/** An IANA zone that both DuckDB and JavaScript know. Throws `INVALID_DEFINITION`. */
export function checkZone(zone: string, where: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch (cause) {
    throw new LockstepError('INVALID_DEFINITION', `${JSON.stringify(zone)} is not a time zone`, {
      where,
      remedy: "Name an IANA zone such as 'Europe/London'.",
      cause,
    })
  }
}
