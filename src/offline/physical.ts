import { sqlType, type TypeData } from '../schema/index.ts'

/** Digits of the decimals that are written: the most that 64 bits hold, so that one code path writes them all. */
export const widest = 18

/** The SQL type that holds a value type, in scans, tables and files. */
export const physicalType = sqlType

/**
 * SQL that casts a physical value to the form in which `Duck.stream` reads it: a `DOUBLE` for integer, float (-0 becomes 0),
 * decimal (its scaled integer), timestamp (microseconds), date (days since 1970) and boolean (0 or 1), all exact;
 * `BIGINT` for int64; `VARCHAR` for string, oneOf and struct; a list of these for list; `FLOAT[n]` for vector.
 */
export function transportSql(type: TypeData, sql: string, depth = 0): string {
  switch (type.kind) {
    case 'integer':
    case 'boolean':
      return `CAST(${sql} AS DOUBLE)`
    case 'float':
      return `(${sql} + CAST(0 AS DOUBLE))`
    case 'decimal':
      return decimalTransport(type, sql)
    case 'timestamp':
      return `CAST(epoch_us(${sql}) AS DOUBLE)`
    case 'date':
      return `CAST(${sql} - DATE '1970-01-01' AS DOUBLE)`
    case 'list': {
      const element = `element${depth}`
      return `list_transform(${sql}, lambda ${element}: ${transportSql(type.element as TypeData, element, depth + 1)})`
    }
    case 'int64':
    case 'string':
    case 'oneOf':
    case 'struct':
    case 'vector':
      return sql
  }
}

/** Up to 15 digits a double times a power of ten errs by less than a half, so rounding is exact; beyond that decimals multiply. */
function decimalTransport(type: TypeData, sql: string): string {
  const scale = type.scale ?? 0
  if (scale === 0) return `CAST(${sql} AS DOUBLE)`
  if ((type.precision ?? widest) <= 15) return `round(CAST(${sql} AS DOUBLE) * 1e${scale})`
  return `CAST(CAST(${sql} AS DECIMAL(38, ${scale})) * ${10 ** scale} AS DOUBLE)`
}
