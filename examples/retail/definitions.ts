import {
  average,
  countDistinct,
  daysSince,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  parquet,
  rate,
  ratio,
  sum,
  t,
  topK,
} from 'lockstep'

/** To be named wherever results on these data are shown. */
export const attribution = 'Online Retail, UCI Machine Learning Repository, data set 352, Daqing Chen (2015), CC BY 4.0'

/** The order lines of a British online shop from December 2010 to December 2011. */
export const orderLines = events('order_lines', {
  columns: {
    row_no: t.integer(),
    invoice_no: t.string(),
    stock_code: t.string(),
    quantity: t.integer(),
    unit_price: t.decimal(12, 3),
    customer_id: t.integer().nullable(),
    country: t.string(),
    invoiced_at: t.timestamp(),
  },
  time: 'invoiced_at',
  timeZone: 'Europe/London',
  id: 'row_no',
  history: parquet(process.env.RETAIL_DATA ?? '../shared/data/online_retail.parquet', {
    columns: {
      invoice_no: 'InvoiceNo',
      stock_code: 'StockCode',
      quantity: 'Quantity',
      unit_price: 'UnitPrice',
      customer_id: 'CustomerID',
      country: 'Country',
      invoiced_at: 'InvoiceDate',
    },
  }),
  description: `Lines without a customer count for their item alone. ${attribution}`,
  owner: 'sales',
})

export const customer = entity('customer', { customer_id: t.integer() })
export const item = entity('item', { stock_code: t.string() })

export const customerOrders = featureGroup({
  name: 'customer_orders',
  entity: customer,
  source: orderLines,
  features: (line) => {
    const returned = line.invoice_no.startsWith('C')
    const ordered = returned.not()
    const value = line.unit_price.times(line.quantity)
    const orders = countDistinct(line.invoice_no).where(ordered)
    return {
      customer_spend_sum_lifetime: sum(value),
      customer_spend_sum_30d: sum(value).over('30d'),
      customer_spend_sum_90d: sum(value).over('90d'),
      customer_order_count_lifetime: orders,
      customer_order_value_avg_lifetime: ratio(sum(value).where(ordered), orders),
      customer_return_rate_lifetime: rate(returned),
      customer_days_since_last_order: daysSince(last(line.invoiced_at).where(ordered)),
      customer_item_top3_lifetime: topK(line.stock_code, 3, line.quantity).where(ordered),
    }
  },
  descriptions: {
    customer_spend_sum_lifetime: 'Pounds spent; returns are lines of negative quantity',
    customer_order_count_lifetime: 'Invoices that are no returns',
    customer_order_value_avg_lifetime: 'Pounds for each order, before returns; null before the first order',
    customer_return_rate_lifetime: 'Share of the lines that are returns; null before the first line',
    customer_days_since_last_order: 'Whole days; null before the first order',
    customer_item_top3_lifetime: 'The items of which most units were ordered',
  },
  owner: 'sales',
  tags: ['money'],
})

export const itemSales = featureGroup({
  name: 'item_sales',
  entity: item,
  source: orderLines,
  features: (line) => {
    // Negative lines are returns and stock adjustments, lines at no price gifts and corrections.
    const sold = line.quantity.gt(0).and(line.unit_price.gt(0))
    return {
      item_unit_sum_7d: sum(line.quantity).where(sold).over('7d'),
      item_unit_sum_30d: sum(line.quantity).where(sold).over('30d'),
      item_buyer_count_30d: countDistinct(line.customer_id).where(sold).over('30d'),
      item_price_avg_30d: average(line.unit_price).where(sold).over('30d'),
    }
  },
  descriptions: {
    item_buyer_count_30d: 'Different customers; buyers that nobody knows are not counted',
    item_price_avg_30d: 'Pounds, of the lines and not of the units; null where none was sold',
  },
  owner: 'sales',
})

/** Will this customer, who orders this item, order again within 30 days? The labels are in `labels.ts`. */
export const reorder = featureView({ name: 'reorder', features: [customerOrders, itemSales], owner: 'sales' })
