import { t, type ValueOf } from 'lockstep'
import { same } from './same.ts'

const price = t.decimal(12, 2)
const kind = t.oneOf('purchased', 'returned')
const tags = t.list(t.string().nullable()).nullable()

same<ValueOf<typeof price>, string>(true)
same<ValueOf<typeof kind>, 'purchased' | 'returned'>(true)
same<ValueOf<typeof tags>, readonly (string | null)[] | null>(true)
same<ValueOf<ReturnType<typeof t.int64>>, bigint>(true)

// expect error: Argument of type 'true' is not assignable to parameter of type 'false'
same<ValueOf<typeof price>, number>(true)

// expect error: Expected 2 arguments, but got 1
t.decimal(12)

// expect error: is not assignable to
t.string().allowNaN()
