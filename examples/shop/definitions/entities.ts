import { entity, t } from 'lockstep'

/** What the features of the shop describe, and the columns that identify one. */
export const user = entity('user', { user_id: t.string() }, { description: 'A customer of the shop' })
export const item = entity('item', { item_id: t.string() }, { description: 'A thing that the shop sells' })
