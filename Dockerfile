# One image for every role: the command says which. Built in three stages, so that neither compilers nor development packages are in
# what runs; it runs as an ordinary user and writes nowhere but its data folder.
#
#   docker build -t mutuel:local .
#   docker run -p 127.0.0.1:3000:3000 mutuel:local          the whole system embedded, with its demo

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY infra/install.mjs infra/workspace.mjs ./infra/
RUN node infra/install.mjs
COPY . .
RUN npm run build

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-progress

FROM node:20.20.2-bookworm-slim
WORKDIR /app
RUN mkdir -p /var/lib/mutuel && chown node:node /var/lib/mutuel
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY --from=build /app/infra/workspace.mjs ./infra/
COPY package.json LICENSE ./
ENV HOST=0.0.0.0 PORT=3000 GRPC_PORT=4000 DATA_DIR=/var/lib/mutuel LOG_FORMAT=json
USER node
EXPOSE 3000 4000
VOLUME /var/lib/mutuel
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=32", "--heap-growing-percent=300", "dist/apps/standalone/src/main.js"]
