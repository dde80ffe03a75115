package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// GormLogger passes what GORM has to say to slog: failed statements at debug level, for the
// error itself is returned and logged once at the edge, and slow ones as warnings.
type GormLogger struct {
	Log  *slog.Logger
	Slow time.Duration // 0: nothing is slow
}

var _ logger.Interface = GormLogger{}

// LogMode changes nothing: the level is slog's.
func (l GormLogger) LogMode(logger.LogLevel) logger.Interface { return l }

// Info logs at debug level.
func (l GormLogger) Info(ctx context.Context, format string, args ...any) {
	l.Log.DebugContext(ctx, fmt.Sprintf(format, args...))
}

// Warn logs a warning.
func (l GormLogger) Warn(ctx context.Context, format string, args ...any) {
	l.Log.WarnContext(ctx, fmt.Sprintf(format, args...))
}

// Error logs an error that GORM does not return.
func (l GormLogger) Error(ctx context.Context, format string, args ...any) {
	l.Log.ErrorContext(ctx, fmt.Sprintf(format, args...))
}

// Trace is called after every statement.
func (l GormLogger) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), err error) {
	took := time.Since(begin)
	switch {
	case err != nil && !errors.Is(err, gorm.ErrRecordNotFound):
		if l.Log.Enabled(ctx, slog.LevelDebug) {
			sql, _ := statement()
			l.Log.DebugContext(ctx, "statement failed", "error", err, "sql", sql)
		}
	case l.Slow > 0 && took > l.Slow:
		sql, rows := statement()
		l.Log.WarnContext(ctx, "slow statement", "took", took, "rows", rows, "sql", sql)
	}
}
