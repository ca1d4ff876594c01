/**
 * What the OpenAPI document says about a route, stated where the route is: schemas of body, parameters and answers. The same body
 * and parameter schemas validate the request, so that the document cannot promise anything else.
 */
import 'reflect-metadata';
import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { z } from 'zod';
import type { ProblemCode } from '../problem-codes.js';

export interface RouteFacts {
  readonly id: string;
  readonly summary: string;
  readonly tag: 'Betting' | 'Accounts' | 'Racing' | 'Operator' | 'Demo' | 'System';
  readonly body?: z.ZodType;
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Status → schema; null for an answer that is not JSON. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  /** Codes worth naming beside the general ones. */
  readonly problems?: readonly ProblemCode[];
  /** No token needed. */
  readonly isPublic?: boolean;
}

export const ROUTE_FACTS = 'mutuel:route';

export const Documented = (facts: RouteFacts): MethodDecorator => applyDecorators(SetMetadata(ROUTE_FACTS, facts));
