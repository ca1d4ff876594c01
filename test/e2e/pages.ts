/**
 * The two pages of the console as a test drives them: what a person does and what a person sees, by the elements' stable
 * `data-testid`. It must never reach past the page into the API, or a test would prove less than it says.
 */
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** How long a page may take to show what the system has done: an odds cycle is five seconds. */
const PATIENCE_MS = 180_000;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: false,
    args: ['--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** A page of its own person: another tab's session is not shared. */
export async function openPage(browser: Browser, url: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(url);
  return { context, page };
}

/** As it is laid out, so that cells stay apart. */
async function textOf(locator: Locator): Promise<string> {
  await locator.waitFor();
  return (await locator.allInnerTexts()).join(' ');
}

export class Board {
  constructor(readonly page: Page) {}

  static async open(browser: Browser, base: string, raceId: string): Promise<Board> {
    const { page } = await openPage(browser, `${base}/?race=${encodeURIComponent(raceId)}`);
    const board = new Board(page);
    await board.at('tote-board').waitFor();
    return board;
  }

  at(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true }).first();
  }

  async chooseAccount(accountId: string): Promise<void> {
    await this.at('account').selectOption(accountId);
    await this.at('balance').waitFor();
  }

  /** The balance in minor units of a currency of two digits. */
  async balance(): Promise<number> {
    const shown = await textOf(this.at('balance'));
    return Number(shown.replaceAll(/\D/gu, ''));
  }

  async waitForStatus(status: string): Promise<void> {
    await this.page.locator(`[data-testid="race-status"][data-status="${status}"]`).waitFor();
  }

  async waitForLiveOdds(): Promise<void> {
    await this.page.locator('[data-testid="freshness"][data-phase="LIVE"]').waitFor();
  }

  async markPool(type: string): Promise<void> {
    await this.at(`slip-pool-${type}`).click();
  }

  async markForm(form: 'STRAIGHT' | 'BOX' | 'WHEEL'): Promise<void> {
    await this.at(`slip-form-${form}`).click();
  }

  /** Marks a runner at a position, counted from 0. */
  async mark(position: number, runner: string): Promise<void> {
    await this.at(`marks-${position}`).getByText(runner, { exact: true }).click();
  }

  async unitStake(typed: string): Promise<void> {
    await this.at('unit-stake').fill(typed);
  }

  lineCount(): Promise<string> {
    return textOf(this.at('line-count'));
  }

  cost(): Promise<string> {
    return textOf(this.at('cost'));
  }

  /** Waits for the tote's own count beside ours. */
  async quoted(): Promise<string> {
    await this.at('quote').waitFor();
    return textOf(this.at('quote'));
  }

  /** Places the bet and returns the ticket's id from the receipt. */
  async bet(): Promise<string> {
    await this.at('place-bet').click();
    await this.at('receipt').waitFor();
    return (await textOf(this.at('ticket-id'))).trim();
  }

  async anotherBet(): Promise<void> {
    await this.at('bet-again').click();
  }

  /** What the runners' table shows as a runner's win odds. */
  async odds(runner: string): Promise<string> {
    return (await textOf(this.at(`odds-${runner}`))).replaceAll(/[^\d.–]/gu, '');
  }

  /** The rows of the dividends, one text each. */
  async dividends(): Promise<string[]> {
    await this.at('dividends').waitFor();
    const rows = await this.at('dividends').locator('tbody tr').allInnerTexts();
    return rows.map((row) => row.replaceAll(/\s+/gu, ' ').trim());
  }

  /** Waits until a ticket's line says the words. */
  async waitForOutcome(ticketId: string, words: string): Promise<void> {
    await this.at(`ticket-${ticketId}`).getByText(words).first().waitFor();
  }
}

export class Stewards {
  constructor(readonly page: Page) {}

  static async open(browser: Browser, base: string, raceId: string, user: string): Promise<Stewards> {
    const { page } = await openPage(browser, `${base}/ops?race=${encodeURIComponent(raceId)}`);
    const room = new Stewards(page);
    await room.at(`be-${user}`).click();
    await room.at('race-desk').waitFor();
    return room;
  }

  at(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true }).first();
  }

  async waitForStatus(status: string): Promise<void> {
    await this.page.locator(`[data-testid="race-desk"][data-status="${status}"]`).waitFor();
  }

  /** Gives a command that needs a reason and waits until the market has taken it. */
  async command(action: 'open' | 'suspend' | 'resume' | 'close' | 'void', reason: string): Promise<void> {
    await this.at(`act-${action}`).click();
    await this.at('reason').fill(reason);
    await this.at('send-command').click();
    await this.at('send-command').waitFor({ state: 'hidden' });
  }

  async scratch(runner: string, reason: string): Promise<void> {
    await this.at('act-scratch').click();
    await this.at('scratch-runner').selectOption(runner);
    await this.at('reason').fill(reason);
    await this.at('send-command').click();
    await this.at('send-command').waitFor({ state: 'hidden' });
  }

  /** The instant of the stop as the page confirms it. */
  async stopAt(): Promise<string> {
    await this.at('stopped').waitFor();
    return (await this.at('stopped').getAttribute('data-stop-at')) ?? '';
  }

  /** Taps an order, ties together, and enters it. */
  async enterOrder(finish: readonly (readonly string[])[]): Promise<void> {
    await this.at('order-entry').waitFor();
    for (const [index, rank] of finish.entries()) {
      for (const [tie, runner] of rank.entries()) {
        if (tie > 0) await this.at(`rank-${index}`).getByRole('button').first().click();
        await this.at(`place-${runner}`).click();
      }
    }
    await this.at('send-order').click();
  }

  /** Waits for the preview that can be confirmed: the three calculators have agreed. */
  async waitForPreview(): Promise<void> {
    await this.at('confirm-box').getByText('You confirm this preview').waitFor();
  }

  async pool(type: string): Promise<string> {
    const sheet = this.at(`sheet-${type}`);
    if ((await sheet.getAttribute('open')) === null) await sheet.locator('summary').click();
    return (await textOf(sheet)).replaceAll(/\s+/gu, ' ');
  }

  async confirm(): Promise<void> {
    await this.at('confirm-result').click();
  }

  async audit(): Promise<string[]> {
    const entries = await this.page.getByTestId('audit-entry').allInnerTexts();
    return entries.map((entry) => entry.replaceAll(/\s+/gu, ' ').trim());
  }
}
