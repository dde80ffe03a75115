// Package postgres is a real PostgreSQL with a standby that streams from it, and what breaks them. Its main
// (or TestMain) calls embedded.PostgresKeeper first.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/embedded"
	"countersign.example/test/faultrun/disk"
	"countersign.example/test/faultrun/program"
)

const (
	password    = "of-tests-only"
	stopWithin  = 20 * time.Second
	startWithin = time.Minute
)

// Postgres is a server, at an address that stays the same whichever server has it, and its standby.
type Postgres struct {
	dir, address     string
	primary, standby *server
	made             int  // standbys
	disks            bool // each server's write-ahead log has a disk of its own, which can be filled
}

// server is one server with its data.
type server struct {
	data, address string
	running       *program.Program
}

// Start starts both with their data in dir, which PostgreSQL's user must reach, and returns when the standby
// streams.
func Start(ctx context.Context, dir string) (*Postgres, error) {
	addresses, err := program.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, address: addresses[0]}
	if err := p.create(ctx); err != nil {
		return nil, err
	}
	p.primary = &server{data: filepath.Join(dir, "primary", "data"), address: p.address}
	p.standby = &server{address: addresses[1]}
	if err := p.separateLog(p.primary.data); err != nil {
		return nil, err
	}
	if err := p.primary.start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.makeStandby(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// create makes the data of a server: the embedded one does it, and fetches the program where it is not there.
func (p *Postgres) create(ctx context.Context) error {
	_, text, _ := net.SplitHostPort(p.address)
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	first, err := embedded.Postgres(ctx, embedded.PostgresConfig{Dir: filepath.Join(p.dir, "primary"), CacheDir: embedded.DefaultCacheDir(), Port: port,
		Password: password})
	if err != nil {
		return err
	}
	return first.Close()
}

// URL is the superuser's address of the database postgres, on whichever server serves.
func (p *Postgres) URL() string { return adminURL(p.address) }

// Address is host:port.
func (p *Postgres) Address() string { return p.address }

func adminURL(address string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: address, Path: "/postgres", RawQuery: "sslmode=disable&connect_timeout=5"}
	return u.String()
}

// Close stops both.
func (p *Postgres) Close() error {
	var errs []error
	for _, s := range []*server{p.standby, p.primary} {
		if s.running != nil {
			errs = append(errs, s.running.End(syscall.SIGQUIT, stopWithin))
		}
		if p.disks && s.data != "" {
			errs = append(errs, disk.Unmount(logOf(s.data)))
		}
	}
	return errors.Join(errs...)
}

// start starts a server and returns when it takes connections. What dies here are processes and no machines,
// so that what was written is kept without being flushed.
func (s *server) start(ctx context.Context) (err error) {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	settings := map[string]string{
		"listen_addresses": host, "port": port, "unix_socket_directories": "", "max_connections": "400", "fsync": "off",
		"max_wal_size": "256MB", "wal_keep_size": "128MB", "wal_recycle": "off", "wal_retrieve_retry_interval": "500ms",
		"log_min_messages": "fatal",
	}
	args := []string{"-D", s.data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	// After a crash its processes may be there for a moment, and it does not begin before they are gone.
	deadline := time.Now().Add(startWithin)
	for {
		cmd := exec.Command(embedded.PostgresProgram(embedded.DefaultCacheDir()), args...)
		cmd.Dir = s.data
		asServer(cmd)
		if s.running, err = program.Start(s.data+".log", cmd); err != nil {
			return err
		}
		err = s.running.Await(ctx, s.answers)
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}

// answers returns an error until it takes connections.
func (s *server) answers(ctx context.Context) error {
	return s.ask(ctx, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
}

// ask calls do with a connection of its own.
func (s *server) ask(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, adminURL(s.address))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

func (s *server) exec(ctx context.Context, statements ...string) error {
	return s.ask(ctx, func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

// makeStandby makes a standby of the primary, while that is in use.
func (p *Postgres) makeStandby(ctx context.Context) error {
	p.made++
	former := p.standby.data
	p.standby.data = filepath.Join(p.dir, fmt.Sprint("standby-", p.made))
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return err
	}
	files := map[string]string{
		"standby.signal":       "",
		"postgresql.auto.conf": fmt.Sprintf("primary_conninfo = 'host=%s port=%s user=postgres password=%s'\n", host, port, password),
	}
	err = p.primary.ask(ctx, func(conn *pgx.Conn) error {
		if err := os.MkdirAll(p.standby.data, 0o700); err != nil {
			return err
		}
		if err := p.separateLog(p.standby.data); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "select pg_backup_start('standby', true)"); err != nil {
			return err
		}
		if err := copyData(p.standby.data, p.primary.data); err != nil {
			return err
		}
		var label string
		if err := conn.QueryRow(ctx, "select labelfile from pg_backup_stop(false)").Scan(&label); err != nil {
			return err
		}
		files["backup_label"] = label
		return nil
	})
	if err != nil {
		return fmt.Errorf("copy the primary: %w", err)
	}
	for name, content := range files {
		path := filepath.Join(p.standby.data, name)
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), giveToServer(path)); err != nil {
			return err
		}
	}
	if former != "" {
		if err := p.remove(former); err != nil {
			return err
		}
	}
	if err := p.standby.start(ctx); err != nil {
		return fmt.Errorf("start the standby: %w", err)
	}
	return p.standby.running.Await(ctx, p.streams)
}

// streams returns an error until the standby has all that the primary had just now.
func (p *Postgres) streams(ctx context.Context) error {
	var at string
	err := p.primary.ask(ctx, func(conn *pgx.Conn) error { return conn.QueryRow(ctx, "select pg_current_wal_lsn()::text").Scan(&at) })
	if err != nil {
		return err
	}
	var behind bool
	err = p.standby.ask(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select coalesce(pg_last_wal_replay_lsn() < $1::pg_lsn, true)", at).Scan(&behind)
	})
	if err == nil && behind {
		err = errors.New("the standby is behind")
	}
	return err
}

// copyData copies a server's files; what vanishes meanwhile the write-ahead log has.
func copyData(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case strings.HasPrefix(relative, "postmaster."), relative == "standby.signal":
			return nil
		case entry.IsDir():
			err = os.MkdirAll(target, 0o700)
		default:
			err = copyFile(target, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return errors.Join(err, giveToServer(target))
	})
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = target.ReadFrom(source)
	return errors.Join(err, target.Close())
}

// nobody is whom PostgreSQL runs as where this process is root, since it refuses that.
const nobody = 65534

func asServer(cmd *exec.Cmd) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

func giveToServer(path string) error {
	if os.Getuid() == 0 {
		return os.Chown(path, nobody, nobody)
	}
	return nil
}
