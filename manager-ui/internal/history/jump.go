package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// nearest is the newest position that was recorded until a time. Positions and the times at which they were
// recorded grow together, but for transactions that ran at once.
const nearest = `with recursive search (least, most) as (
	select min(position), max(position) from journal
	union all
	select case when e.fits then e.position else s.least end, case when e.fits then s.most else s.middle - 1 end
	from (select least, most, (least + most + 1) / 2 as middle from search where least < most) s
	left join lateral (select j.position, j.recorded_at <= $1 as fits from journal j
		where j.position between s.middle and s.most order by j.position limit 1) e on true)
	select j.position from (select least from search where least >= most limit 1) s
	join journal j on j.position = s.least where j.recorded_at <= $1`

// At is the position of the newest event that was recorded until a time; 0 where there is none.
func (r *Reader) At(ctx context.Context, t time.Time) (position int64, err error) {
	err = r.db.Pool().QueryRow(ctx, nearest, t).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the events of a time: %w", err)
	}
	return position, nil
}
