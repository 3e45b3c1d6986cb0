import { IsEmail, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

/** What may go wrong on request, so that you can watch the order survive it. */
export const ACCIDENTS = ['flaky-payment', 'worker-crash', 'carrier-refuses'] as const;
export type Accident = (typeof ACCIDENTS)[number];

export const PAYMENTS = ['card', 'transfer'] as const;

/** The body of `POST /orders`, and the input of the workflow. */
export class PlaceOrder {
  @IsEmail()
  customer!: string;

  @IsString()
  @Length(1, 64)
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(100)
  quantity!: number;

  @IsInt()
  @Min(1)
  amountCents!: number;

  /** A card is charged at once; a transfer is waited for. Without it: card. */
  @IsOptional()
  @IsIn(PAYMENTS)
  payBy?: (typeof PAYMENTS)[number];

  @IsOptional()
  @IsIn(ACCIDENTS)
  simulate?: Accident;
}
