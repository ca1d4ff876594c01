/**
 * The OpenAPI 3.1 document, read off the controllers: paths and methods from their routes, schemas from what validates the requests
 * and from the documented answers. Nothing is written twice.
 */
import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { z } from 'zod';
import { problemAnswer } from '../answers.js';
import { PROBLEM_CODES } from '../problem-codes.js';
import { ROUTE_FACTS, type RouteFacts } from './documented.js';

export interface DocumentedRoute {
  readonly method: string;
  /** As OpenAPI writes it: `/v1/races/{raceId}`. */
  readonly path: string;
  readonly facts: RouteFacts;
}

export function routesOf(controllers: readonly Type[]): DocumentedRoute[] {
  return controllers.flatMap((controller) => {
    const base = String(Reflect.getMetadata(PATH_METADATA, controller));
    const prototype = controller.prototype as Record<string, object>;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler = prototype[name];
      if (typeof handler !== 'function') return [];
      const facts = Reflect.getMetadata(ROUTE_FACTS, handler) as RouteFacts | undefined;
      const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
      if (facts === undefined || method === undefined) return [];
      const own = String(Reflect.getMetadata(PATH_METADATA, handler));
      const parts = `${base}/${own}`.split('/').filter((part) => part !== '');
      const path = `/${parts.map((part) => (part.startsWith(':') ? `{${part.slice(1)}}` : part)).join('/')}`;
      return [{ method: RequestMethod[method].toLowerCase(), path, facts }];
    });
  });
}

/** The methods with which a path is answered; none where nothing is. */
export function methodsOf(controllers: readonly Type[]): (path: string) => readonly string[] {
  const routes = routesOf(controllers).map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (path) => routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
}

export function openapiDocument(controllers: readonly Type[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, facts } of routesOf(controllers)) {
    const operations = paths[path] ?? {};
    operations[method] = operationOf(facts);
    paths[path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mutuel',
      version: '1',
      description:
        'Money is an integer in minor units, odds are decimal strings with the stake included, times are RFC 3339 in UTC. Errors are RFC 9457 problems.',
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: { ...schemaOf(problemAnswer, 'output'), description: codesText() } },
    },
  };
}

function operationOf(facts: RouteFacts): object {
  const { id, summary, tag, body, answers, problems = [], isPublic } = facts;
  return {
    operationId: id,
    summary,
    tags: [tag],
    security: isPublic ? [] : [{ bearer: [] }],
    parameters: [...parametersOf(facts.path, 'path'), ...parametersOf(facts.query, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, answerOf(schema)])),
      default: {
        description: `A problem${problems.length === 0 ? '' : `, such as ${problems.join(', ')}`}.`,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function answerOf(schema: z.ZodType | null): object {
  if (schema === null) return { description: 'As the summary says.' };
  return { description: 'The answer.', content: { 'application/json': { schema: schemaOf(schema, 'output') } } };
}

function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

/** JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

const codesText = (): string =>
  `RFC 9457 problem. Codes: ${Object.entries(PROBLEM_CODES)
    .map(([code, { status }]) => `${code} (${status})`)
    .join(', ')}.`;
