import type { PlaceOrder } from './place-order.dto.js';

/** A placed order. Its id is the id of the run that fulfils it. */
export interface Order extends PlaceOrder {
  id: string;
}
