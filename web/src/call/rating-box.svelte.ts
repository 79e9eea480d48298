/** What this person says of the session. Each tap is kept at once; a line that drops loses nothing. */
import type { Rate, Rating } from '../lib/generated/events';

type Said = Required<Rate>;

export type Keeping = 'idle' | 'keeping' | 'kept' | 'failed';

export class RatingBox {
  stars: number | null = $state(null);
  solved: boolean | null = $state(null);
  comment = $state('');
  keeping: Keeping = $state('idle');
  private kept: Said = $state.raw({ stars: null, solved: null, comment: '' });
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly rate: (rating: Said) => Promise<Rating>) {}

  /** Take what the server has kept, after a (re)connect; what it does not know yet is said again. */
  replace(rating: Rating | null): void {
    const isDirty = this.keeping === 'keeping' || this.keeping === 'failed';
    if (rating !== null && !isDirty) this.take(rating);
    if (isDirty) this.keep();
  }

  setStars(stars: number): void {
    this.stars = stars;
    this.keep();
  }

  setSolved(solved: boolean): void {
    this.solved = solved;
    this.keep();
  }

  get hasNewComment(): boolean {
    return this.comment.trim() !== this.kept.comment;
  }

  keep(): void {
    this.keeping = 'keeping';
    this.sending = this.sending.then(() => this.send());
  }

  private take(rating: Rating): void {
    this.kept = { stars: rating.stars, solved: rating.solved, comment: rating.comment };
    this.stars = rating.stars;
    this.solved = rating.solved;
    this.comment = rating.comment;
    this.keeping = 'kept';
  }

  private async send(): Promise<void> {
    const wanted = { stars: this.stars, solved: this.solved, comment: this.comment.trim() };
    try {
      await this.rate(wanted);
      this.kept = wanted;
      this.keeping = 'kept';
    } catch {
      this.keeping = 'failed';
    }
  }
}
