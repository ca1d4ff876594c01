// The console's entry: the public board at `/`, the operator's page at `/ops` as a chunk of its own. It must never hold
// state of either page.
import '@fontsource-variable/archivo/wdth.css';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/Button.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/Modal.css';
import '@mantine/core/styles/Drawer.css';
import './styles/base.css';
import './styles/board.css';
import { createTheme, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { BoardPage } from './board/board-page.js';
import { Durability } from './common/durability.js';
import { Bones } from './common/parts.js';
import { ProblemError } from './http.js';

const OpsPage = lazy(() => import('./ops/ops-page.js'));

const RELOAD_AT_MOST_EVERY_MS = 60_000;

const theme = createTheme({
  fontFamily: 'var(--font)',
  primaryColor: 'green',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      // A refusal will not change its mind; a lost answer may come on another try.
      retry: (count, failure) => !(failure instanceof ProblemError && failure.problem.status < 500) && count < 4,
    },
  },
});

// After a release the chunks of an open page are gone from the server: load the page anew, but not again and again.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem('mutuel.reloaded') ?? 0);
  if (Date.now() - last < RELOAD_AT_MOST_EVERY_MS) return;
  sessionStorage.setItem('mutuel.reloaded', String(Date.now()));
  window.location.reload();
});

function Console() {
  if (!window.location.pathname.startsWith('/ops')) return <BoardPage />;
  return (
    <Suspense fallback={<Bones rows={6} />}>
      <OpsPage />
    </Suspense>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no #root to draw in.');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Console />
        <Durability />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
