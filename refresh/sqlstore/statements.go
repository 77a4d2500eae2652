package sqlstore

import (
	"fmt"
	"strings"
)

// statements are those of one table. They are the same for each database but
// for the words in braces, which are its own.
type statements struct {
	table   string
	present string
	create  string
	get     string // key
	insert  string // key, new, expires
	update  string // key, new, expires, old
	delete  string // key, old
	sweep   string
}

const (
	live = `(expires IS NULL OR expires > {now})`

	createText = `CREATE TABLE IF NOT EXISTS {table} (k {blob} NOT NULL PRIMARY KEY, v {blob} NOT NULL, expires BIGINT);
CREATE INDEX IF NOT EXISTS {index} ON {table} (expires)`

	// It has a row whether there is a value or not.
	getText = `SELECT {readonly}, (SELECT v FROM {table} WHERE k = {$}1{bytes} AND ` + live + `)`

	insertText = `INSERT INTO {table} (k, v, expires) VALUES ({$}1{bytes}, {$}2{bytes}, {$}3)
ON CONFLICT (k) DO UPDATE SET v = excluded.v, expires = excluded.expires WHERE {table}.expires <= {now} {durable}`

	updateText = `UPDATE {table} SET v = {$}2{bytes}, expires = {$}3 WHERE k = {$}1{bytes} AND v = {$}4{bytes} AND ` + live + ` {durable}`

	deleteText = `DELETE FROM {table} WHERE k = {$}1{bytes} AND v = {$}2{bytes} AND ` + live + ` {durable}`

	sweepText = `DELETE FROM {table} WHERE expires <= {now}
AND k IN (SELECT k FROM {table} WHERE expires <= {now} LIMIT 256 {skip})`
)

// maxTable leaves room for the name of the index in the 63 bytes that PostgreSQL
// gives to a name.
const maxTable = 50

// newStatements returns the statements for a table, "tokenlife" if it has no
// name, in the words of a database.
func newStatements(table string, d *dialect) (*statements, error) {
	if table == "" {
		table = "tokenlife"
	}
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	if len(table) > maxTable || strings.Trim(table, letters+"0123456789") != "" || !strings.Contains(letters, table[:1]) {
		return nil, fmt.Errorf("sqlstore: Table %.60q: use 1 to %d of a to z, 0 to 9 and _, and no digit first", table, maxTable)
	}
	names := strings.NewReplacer("{name}", table, "{table}", `"`+table+`"`, "{index}", `"`+table+`_expires"`)
	fill := func(text string) string { return names.Replace(d.words.Replace(text)) }
	return &statements{
		table:   table,
		present: fill(d.present),
		create:  fill(createText),
		get:     fill(getText),
		insert:  fill(insertText),
		update:  fill(updateText),
		delete:  fill(deleteText),
		sweep:   fill(sweepText),
	}, nil
}
