// Writes to ClickHouse with the Collector's own exporter, for tests that compare its rows with ours.
//
// Arguments: the HTTP endpoint and the database. Creates the tables, then reads lines of JSON {"signal": "traces"|"logs"|"metrics", "request":
// base64 of an export request}, and answers each with a line when its rows are in the tables: {} or {"error": text}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/clickhouseexporter"
)

type question struct {
	Signal  string `json:"signal"`
	Request []byte `json:"request"`
}

type answer struct {
	Error string `json:"error,omitempty"`
}

type exporters struct {
	traces  exporter.Traces
	logs    exporter.Logs
	metrics exporter.Metrics
}

func main() {
	exporters := open(os.Args[1], os.Args[2])
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		reply := answer{}
		if err := exporters.write(line); err != nil {
			reply.Error = err.Error()
		}
		written, err := json.Marshal(reply)
		check(err)
		_, _ = out.Write(append(written, '\n'))
		_ = out.Flush()
	}
}

func open(endpoint, database string) exporters {
	factory := clickhouseexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*clickhouseexporter.Config)
	config.Endpoint = endpoint
	config.Database = database
	config.AsyncInsert = false
	config.Compress = "none"
	config.QueueSettings = configoptional.None[exporterhelper.QueueBatchConfig]()
	config.BackOffConfig.Enabled = false
	check(config.Validate())
	ctx := context.Background()
	set := exporter.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
	}
	var all exporters
	var err error
	all.traces, err = factory.CreateTraces(ctx, set, config)
	check(err)
	all.logs, err = factory.CreateLogs(ctx, set, config)
	check(err)
	all.metrics, err = factory.CreateMetrics(ctx, set, config)
	check(err)
	for _, one := range []component.Component{all.traces, all.logs, all.metrics} {
		check(one.Start(ctx, componenttest.NewNopHost()))
	}
	return all
}

func (all exporters) write(line []byte) error {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return err
	}
	ctx := context.Background()
	switch asked.Signal {
	case "traces":
		data, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(asked.Request)
		if err != nil {
			return err
		}
		return all.traces.ConsumeTraces(ctx, data)
	case "logs":
		data, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(asked.Request)
		if err != nil {
			return err
		}
		return all.logs.ConsumeLogs(ctx, data)
	default:
		data, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(asked.Request)
		if err != nil {
			return err
		}
		return all.metrics.ConsumeMetrics(ctx, data)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
