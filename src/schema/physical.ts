import type { TypeData } from './type.ts'

/** The DuckDB type that holds a value of this type, in scans and in the Parquet files that it writes. */
export function sqlType(type: TypeData): string {
  switch (type.kind) {
    case 'string':
    case 'oneOf':
      return 'VARCHAR'
    case 'boolean':
      return 'BOOLEAN'
    case 'integer':
    case 'int64':
      return 'BIGINT'
    case 'float':
      return 'DOUBLE'
    case 'decimal': {
      const precision = type.precision ?? 15
      return `DECIMAL(${precision > 15 ? 18 : precision},${type.scale ?? 0})`
    }
    case 'timestamp':
      return 'TIMESTAMP'
    case 'date':
      return 'DATE'
    case 'list':
      return `${sqlType(type.element as TypeData)}[]`
    case 'vector':
      return `FLOAT[${type.length}]`
    case 'struct':
      return 'JSON'
  }
}
