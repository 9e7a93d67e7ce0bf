import { AvroInput, avroReader, badPayload } from './avro-reader.ts'
import { type AvroNames, parseAvroSchema } from './avro-schema.ts'
import { AvroOutput, avroWriter } from './avro-writer.ts'
import type { Fields } from './fields.ts'

/** Reads payloads of one schema, which is that of a record. Throws `INVALID_VALUE` for a payload that is not of it. */
export function avroDecoder(schema: string, names?: AvroNames): (payload: Uint8Array, start?: number) => Fields {
  const type = parseAvroSchema(schema, names)
  const read = avroReader(type)
  return (payload, start = 0) => {
    const input = new AvroInput(payload, start)
    const value = read(input)
    if (input.left > 0) throw badPayload(`has ${input.left} bytes more than its schema`)
    if (type.kind !== 'record') throw badPayload('is no record')
    return value as Fields
  }
}

/** Writes payloads of one schema, behind what `output` has already. Throws `INVALID_VALUE` for what the schema cannot hold. */
export function avroEncoder(schema: string, names?: AvroNames): (fields: Fields, output?: AvroOutput) => Uint8Array {
  const write = avroWriter(parseAvroSchema(schema, names))
  return (fields, output = new AvroOutput()) => {
    write(output, fields, '')
    return output.bytes
  }
}
